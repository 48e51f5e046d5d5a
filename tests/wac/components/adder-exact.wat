;; exports docs:adder/add@0.1.0
(component
  (core module $m (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1))))
  (core instance $i (instantiate $m))
  (func $add (param "x" u32) (param "y" u32) (result u32) (canon lift (core func $i "add")))
  (instance (export "docs:adder/add@0.1.0") (export "add" (func $add))))
