;; Preview 1: copies the file that its first argument names, in its first directory, to standard output; with
;; "-" standard input. Ends with the errno of what failed.
(module
  (import "wasi_snapshot_preview1" "args_get" (func $args (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open"
    (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 2)
  (func $check (param $errno i32)
    (if (local.get $errno) (then (call $exit (local.get $errno)))))
  (func $length (param $text i32) (result i32) (local $at i32)
    (local.set $at (local.get $text))
    (loop $next
      (if (i32.load8_u (local.get $at))
        (then (local.set $at (i32.add (local.get $at) (i32.const 1))) (br $next))))
    (i32.sub (local.get $at) (local.get $text)))
  (func (export "_start") (local $name i32) (local $fd i32)
    (call $check (call $args (i32.const 16) (i32.const 1024)))
    (local.set $name (i32.load (i32.const 20)))
    (if (i32.ne (i32.load8_u (local.get $name)) (i32.const 45))
      (then
        (call $check (call $open (i32.const 3) (i32.const 1) (local.get $name) (call $length (local.get $name))
          (i32.const 0) (i64.const 2) (i64.const 2) (i32.const 0) (i32.const 8)))
        (local.set $fd (i32.load (i32.const 8)))))
    (loop $next
      (i32.store (i32.const 0) (i32.const 65536))
      (i32.store (i32.const 4) (i32.const 65536))
      (call $check (call $read (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 12)))
      (if (i32.load (i32.const 12))
        (then
          (i32.store (i32.const 4) (i32.load (i32.const 12)))
          (call $check (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 12)))
          (br $next))))))
