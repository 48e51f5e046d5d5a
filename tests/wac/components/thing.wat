;; my:res/a@0.2.1 with a resource of its own
(component
  (core module $m
    (func (export "make") (param i32) (result i32) (local.get 0))
    (func (export "value") (param i32) (result i32) (local.get 0)))
  (core instance $i (instantiate $m))
  (type $r' (resource (rep i32)))
  (core func $new (canon resource.new $r'))
  (core module $n (import "" "new" (func $new (param i32) (result i32))) (func (export "make") (param i32) (result i32) (call $new (local.get 0))))
  (core instance $j (instantiate $n (with "" (instance (export "new" (func $new))))))
  (component $shim
    (import "r" (type $r (sub resource)))
    (import "make" (func $make (param "x" u32) (result (own $r))))
    (import "value" (func $value (param "x" (borrow $r)) (result u32)))
    (export $r2 "r" (type $r))
    (export "make" (func $make) (func (param "x" u32) (result (own $r2))))
    (export "value" (func $value) (func (param "x" (borrow $r2)) (result u32))))
  (func $make (param "x" u32) (result (own $r')) (canon lift (core func $j "make")))
  (func $value (param "x" (borrow $r')) (result u32) (canon lift (core func $i "value")))
  (instance $s (instantiate $shim (with "r" (type $r')) (with "make" (func $make)) (with "value" (func $value))))
  (export "my:res/a@0.2.1" (instance $s)))
