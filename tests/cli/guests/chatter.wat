;; Preview 1: writes a line for ever. Ends with the errno when that fails.
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 64) "still here\n")
  (func (export "_start") (local $errno i32)
    (i32.store (i32.const 0) (i32.const 64))
    (i32.store (i32.const 4) (i32.const 11))
    (loop $again
      (local.set $errno (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16)))
      (br_if $again (i32.eqz (local.get $errno))))
    (call $exit (local.get $errno))))
