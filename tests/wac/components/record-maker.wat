;; exports an interface with a record
(component
  (core module $m (memory (export "m") 1) (func (export "f") (result i32) (i32.const 0)))
  (core instance $i (instantiate $m))
  (type $p' (record (field "x" s32) (field "y" s32)))
  (func $f (result $p') (canon lift (core func $i "f") (memory $i "m")))
  (component $shim
    (type $p0 (record (field "x" s32) (field "y" s32)))
    (import "point" (type $p (eq $p0)))
    (import "origin" (func $f (result $p)))
    (export $q "point" (type $p))
    (export "origin" (func $f) (func (result $q))))
  (instance $s (instantiate $shim (with "point" (type $p')) (with "origin" (func $f))))
  (export "p:q/shapes" (instance $s)))
