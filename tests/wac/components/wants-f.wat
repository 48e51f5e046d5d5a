;; imports an interface by label, of which it needs f, and exports run
(component
  (import "i" (instance $i (export "f" (func (result u32)))))
  (core func $f (canon lower (func $i "f")))
  (core module $m (import "" "f" (func $f (result i32))) (func (export "run") (result i32) (call $f)))
  (core instance $c (instantiate $m (with "" (instance (export "f" (func $f))))))
  (func (export "run") (result u32) (canon lift (core func $c "run"))))
