;; gives a point that my:geo/make has made to my:geo/read
(component
  (import "my:geo/types@1.0.0" (instance $types (type $p (record (field "x" u32))) (export "point" (type (eq $p)))))
  (alias export $types "point" (type $point))
  (import "my:geo/make@1.0.0" (instance $make (alias outer 1 $point (type $p)) (export "point" (type $point (eq $p)))
    (export "make" (func (result $point)))))
  (import "my:geo/read@1.0.0" (instance $read (alias outer 1 $point (type $p)) (export "point" (type $point (eq $p)))
    (export "read" (func (param "p" $point) (result u32)))))
  (core func $make (canon lower (func $make "make")))
  (core func $read (canon lower (func $read "read")))
  (core module $m (import "" "make" (func $make (result i32))) (import "" "read" (func $read (param i32) (result i32)))
    (func (export "run") (result i32) (call $read (call $make))))
  (core instance $i (instantiate $m (with "" (instance (export "make" (func $make)) (export "read" (func $read))))))
  (func (export "run") (result u32) (canon lift (core func $i "run"))))
