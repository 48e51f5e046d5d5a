;; `cwd` gives what wasi:cli/environment tells of the directory that the program starts in.
(component
  (import "wasi:cli/environment@0.2.0" (instance $environment
    (export "initial-cwd" (func (result (option string))))))
  (core module $Memory
    (memory (export "memory") 1)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024)))
  (core instance $memory (instantiate $Memory))
  (core func $cwd (canon lower (func $environment "initial-cwd")
    (memory $memory "memory") (realloc (func $memory "realloc"))))
  (core module $Main
    (import "" "cwd" (func $cwd (param i32)))
    (func (export "cwd") (result i32) (call $cwd (i32.const 16)) (i32.const 16)))
  (core instance $main (instantiate $Main (with "" (instance (export "cwd" (func $cwd))))))
  (func (export "cwd") (result (option string))
    (canon lift (core func $main "cwd") (memory $memory "memory"))))
