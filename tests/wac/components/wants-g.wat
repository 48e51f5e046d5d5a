;; imports an interface of the same label, of which it needs g
(component
  (import "i" (instance $i (export "g" (func (param "x" string) (result u32)))))
  (core module $n (memory (export "m") 1) (func (export "r") (param i32 i32 i32 i32) (result i32) (i32.const 0)))
  (core instance $n (instantiate $n))
  (core func $g (canon lower (func $i "g") (memory $n "m") (realloc (func $n "r"))))
  (core module $m (import "" "g" (func $g (param i32 i32) (result i32))) (func (export "run") (result i32) (call $g (i32.const 0) (i32.const 0))))
  (core instance $c (instantiate $m (with "" (instance (export "g" (func $g))))))
  (func (export "run") (result u32) (canon lift (core func $c "run"))))
