;; Exports demo:store/values: value(key) is the value of the first variable of its environment, or empty.
(component
  (import "wasi:cli/environment@0.2.0" (instance $env
    (export "get-environment" (func (result (list (tuple string string)))))))
  (core module $L (memory (export "mem") 1) (global $at (mut i32) (i32.const 1024))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (local $p i32)
      (local.set $p (i32.and (i32.add (global.get $at) (i32.const 7)) (i32.const -8)))
      (global.set $at (i32.add (local.get $p) (local.get 3))) (local.get $p)))
  (core instance $l (instantiate $L))
  (core func $get (canon lower (func $env "get-environment") (memory $l "mem") (realloc (func $l "realloc"))))
  (core module $M (import "" "get" (func $get (param i32))) (import "" "mem" (memory 1))
    (func (export "value") (param i32 i32) (result i32)
      (call $get (i32.const 16))
      (if (i32.eqz (i32.load (i32.const 20))) (then
        (i32.store (i32.const 32) (i32.const 0)) (i32.store (i32.const 36) (i32.const 0)) (return (i32.const 32))))
      (i32.add (i32.load (i32.const 16)) (i32.const 8))))
  (core instance $m (instantiate $M (with "" (instance (export "get" (func $get)) (export "mem" (memory $l "mem"))))))
  (func $value (param "key" string) (result string)
    (canon lift (core func $m "value") (memory $l "mem") (realloc (func $l "realloc"))))
  (instance $i (export "value" (func $value)))
  (export "demo:store/values@1.2.0" (instance $i)))
