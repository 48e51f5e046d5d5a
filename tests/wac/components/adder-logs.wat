;; exports docs:adder/add@0.1.0 and imports docs:log/log@0.1.0 itself
(component
  (import "docs:log/log@0.1.0" (instance $l (export "log" (func (param "x" u32)))))
  (core func $log (canon lower (func $l "log")))
  (core module $m
    (import "" "log" (func $log (param i32)))
    (func (export "add") (param i32 i32) (result i32) (call $log (local.get 0)) (i32.add (local.get 0) (local.get 1))))
  (core instance $i (instantiate $m (with "" (instance (export "log" (func $log))))))
  (func $add (param "x" u32) (param "y" u32) (result u32) (canon lift (core func $i "add")))
  (instance (export "docs:adder/add@0.1.0") (export "add" (func $add))))
