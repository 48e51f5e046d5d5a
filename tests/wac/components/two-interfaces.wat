;; exports two interfaces with one name behind the slash, and one alone
(component
  (core module $m (func (export "f") (result i32) (i32.const 1)) (func (export "g") (result i32) (i32.const 2)))
  (core instance $i (instantiate $m))
  (func $f (result u32) (canon lift (core func $i "f")))
  (func $g (result u32) (canon lift (core func $i "g")))
  (instance (export "a:x/same") (export "f" (func $f)))
  (instance (export "a:y/same") (export "f" (func $g)))
  (instance (export "a:z/other") (export "f" (func $g))))
