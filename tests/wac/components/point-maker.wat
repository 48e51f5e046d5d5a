;; the types of my:geo, and my:geo/make, which uses them
(component
  (type $point' (record (field "x" u32)))
  (instance $types (export "point" (type $point')))
  (export $types2 "my:geo/types@1.0.0" (instance $types))
  (alias export $types2 "point" (type $point))
  (core module $m (func (export "make") (result i32) (i32.const 42)))
  (core instance $i (instantiate $m))
  (func $make (result $point) (canon lift (core func $i "make")))
  (component $shim
    (type $point' (record (field "x" u32)))
    (import "point" (type $point (eq $point')))
    (import "make" (func $make (result $point)))
    (export $point2 "point" (type $point))
    (export "make" (func $make) (func (result $point2))))
  (instance $o (instantiate $shim (with "point" (type $point)) (with "make" (func $make))))
  (export "my:geo/make@1.0.0" (instance $o)))
