;; wants both and passes a resource of the one to the other
(component
  (import "my:res/a@0.2.0" (instance $a (export "r" (type $r (sub resource))) (export "value" (func (param "x" (borrow $r)) (result u32)))))
  (alias export $a "r" (type $r))
  (import "my:res/b@0.2.0" (instance $b (alias outer 1 $r (type $r')) (export "r" (type $r (eq $r'))) (export "wrap" (func (result (own $r))))))
  (core func $value (canon lower (func $a "value")))
  (core func $wrap (canon lower (func $b "wrap")))
  (core module $m (import "" "value" (func $value (param i32) (result i32))) (import "" "wrap" (func $wrap (result i32)))
    (func (export "run") (result i32) (call $value (call $wrap))))
  (core instance $i (instantiate $m (with "" (instance (export "value" (func $value)) (export "wrap" (func $wrap))))))
  (func (export "run") (result u32) (canon lift (core func $i "run"))))
