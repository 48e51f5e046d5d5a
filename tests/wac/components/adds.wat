;; imports docs:adder/add@0.1.0 and exports run, which is 42
(component
  (import "docs:adder/add@0.1.0" (instance $a (export "add" (func (param "x" u32) (param "y" u32) (result u32)))))
  (core module $m (import "" "add" (func $add (param i32 i32) (result i32))) (func (export "run") (result i32) (call $add (i32.const 40) (i32.const 2))))
  (core func $add (canon lower (func $a "add")))
  (core instance $i (instantiate $m (with "" (instance (export "add" (func $add))))))
  (func (export "run") (result u32) (canon lift (core func $i "run")))
)
