;; Throws dice: a function that asks the host for random numbers.
;;
;;   tenon exec --random seed=7 --function roll examples/dice.wat u32:5
(component
  (import "wasi:random/random@0.2.0" (instance $random
    (export "get-random-bytes" (func (param "len" u64) (result (list u8))))))
  (core module $Memory
    (memory (export "memory") 1)
    (global $next (mut i32) (i32.const 1024))
    (func (export "realloc") (param $old i32) (param i32 i32) (param $size i32) (result i32)
      (if (local.get $old) (then (return (local.get $old)))) ;; it only ever shrinks
      (global.set $next (i32.add (global.get $next) (local.get $size)))
      (i32.sub (global.get $next) (local.get $size))))
  (core instance $memory (instantiate $Memory))
  (alias core export $memory "memory" (core memory $mem))
  (alias core export $memory "realloc" (core func $realloc))
  (core func $bytes (canon lower (func $random "get-random-bytes") (memory $mem) (realloc $realloc)))
  (core module $Main
    (import "host" "memory" (memory 1))
    (import "host" "bytes" (func $bytes (param i64 i32)))
    ;; The list lies at 16: a pointer and a length.
    (func (export "roll") (param $count i32) (result i32) (local $at i32) (local $end i32)
      (call $bytes (i64.extend_i32_u (local.get $count)) (i32.const 16))
      (local.set $at (i32.load (i32.const 16)))
      (local.set $end (i32.add (local.get $at) (i32.load (i32.const 20))))
      (block $done (loop $next
        (br_if $done (i32.eq (local.get $at) (local.get $end)))
        (i32.store8 (local.get $at) (i32.add (i32.const 1) (i32.rem_u (i32.load8_u (local.get $at)) (i32.const 6))))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br $next)))
      (i32.const 16)))
  (core instance $main (instantiate $Main (with "host" (instance
    (export "memory" (memory $mem)) (export "bytes" (func $bytes))))))
  (func (export "roll") (param "count" u32) (result (list u8)) (canon lift (core func $main "roll") (memory $mem))))
