;; imports a function and exports what it answers, twice as much
(component
  (import "answer" (func $answer (result u32)))
  (core func $lowered (canon lower (func $answer)))
  (core module $m
    (import "" "answer" (func $answer (result i32)))
    (func (export "answer") (result i32) (i32.mul (i32.const 2) (call $answer))))
  (core instance $i (instantiate $m (with "" (instance (export "answer" (func $lowered))))))
  (func (export "answer") (result u32) (canon lift (core func $i "answer"))))
