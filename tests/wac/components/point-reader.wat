;; the types of my:geo, and my:geo/read, which uses them
(component
  (type $point' (record (field "x" u32)))
  (instance $types (export "point" (type $point')))
  (export $types2 "my:geo/types@1.0.0" (instance $types))
  (alias export $types2 "point" (type $point))
  (core module $m (func (export "read") (param i32) (result i32) (local.get 0)))
  (core instance $i (instantiate $m))
  (func $read (param "p" $point) (result u32) (canon lift (core func $i "read")))
  (component $shim
    (type $point' (record (field "x" u32)))
    (import "point" (type $point (eq $point')))
    (import "read" (func $read (param "p" $point) (result u32)))
    (export $point2 "point" (type $point))
    (export "read" (func $read) (func (param "p" $point2) (result u32))))
  (instance $o (instantiate $shim (with "point" (type $point)) (with "read" (func $read))))
  (export "my:geo/read@1.0.0" (instance $o)))
