;; Stands in front of wasi:cli/environment: whoever imports that from it sees its environment instead of his own.
(component
  (import "wasi:cli/environment@0.2.0" (instance $environment
    (export "get-environment" (func (result (list (tuple string string)))))
    (export "get-arguments" (func (result (list string))))))
  (core module $Memory (memory (export "memory") 1)
    (global $next (mut i32) (i32.const 64))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (local $at i32)
      (local.set $at (i32.and (i32.add (global.get $next) (i32.const 7)) (i32.const -8)))
      (global.set $next (i32.add (local.get $at) (local.get 3)))
      (local.get $at)))
  (core instance $memory (instantiate $Memory))
  (alias core export $memory "memory" (core memory $m))
  (alias core export $memory "realloc" (core func $realloc))
  (core func $get-environment
    (canon lower (func $environment "get-environment") (memory $m) (realloc $realloc)))
  (core func $get-arguments (canon lower (func $environment "get-arguments") (memory $m) (realloc $realloc)))
  (core module $Main
    (import "host" "environment" (func $environment (param i32)))
    (import "host" "arguments" (func $arguments (param i32)))
    (func (export "environment") (result i32) (call $environment (i32.const 16)) (i32.const 16))
    (func (export "arguments") (result i32) (call $arguments (i32.const 16)) (i32.const 16)))
  (core instance $main (instantiate $Main
    (with "host" (instance
      (export "environment" (func $get-environment))
      (export "arguments" (func $get-arguments))))))
  (func $environment-func (result (list (tuple string string)))
    (canon lift (core func $main "environment") (memory $m) (realloc $realloc)))
  (func $arguments-func (result (list string))
    (canon lift (core func $main "arguments") (memory $m) (realloc $realloc)))
  (instance $out
    (export "get-environment" (func $environment-func))
    (export "get-arguments" (func $arguments-func)))
  (export "wasi:cli/environment@0.2.0" (instance $out)))
