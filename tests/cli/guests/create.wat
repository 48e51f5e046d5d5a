;; Preview 1: makes the file that its first argument names, in its first directory, and writes "made" into it.
;; Ends with the errno of what failed.
(module
  (import "wasi_snapshot_preview1" "args_get" (func $args (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open"
    (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 512) "made")
  (func $check (param $errno i32)
    (if (local.get $errno) (then (call $exit (local.get $errno)))))
  (func $length (param $text i32) (result i32) (local $at i32)
    (local.set $at (local.get $text))
    (loop $next
      (if (i32.load8_u (local.get $at))
        (then (local.set $at (i32.add (local.get $at) (i32.const 1))) (br $next))))
    (i32.sub (local.get $at) (local.get $text)))
  (func (export "_start") (local $name i32)
    (call $check (call $args (i32.const 16) (i32.const 1024)))
    (local.set $name (i32.load (i32.const 20)))
    (call $check (call $open (i32.const 3) (i32.const 0) (local.get $name) (call $length (local.get $name))
      (i32.const 9) (i64.const 64) (i64.const 64) (i32.const 0) (i32.const 8)))
    (i32.store (i32.const 0) (i32.const 512))
    (i32.store (i32.const 4) (i32.const 4))
    (call $check (call $write (i32.load (i32.const 8)) (i32.const 0) (i32.const 1) (i32.const 12)))))
