;; A command whose `run` returns an error.
(component
  (core module $Main (func (export "run") (result i32) (i32.const 1)))
  (core instance $main (instantiate $Main))
  (func $run (result (result)) (canon lift (core func $main "run")))
  (component $Run (import "main" (func $main (result (result)))) (export "run" (func $main)))
  (instance $run-interface (instantiate $Run (with "main" (func $run))))
  (export "wasi:cli/run@0.2.0" (instance $run-interface)))
