;; A WASI 0.2 command written by hand: greets, and says which arguments it was given.
;;
;;   tenon examples/hello.wat one two
(component
  (import "wasi:io/error@0.2.0" (instance $error (export "error" (type (sub resource)))))
  (alias export $error "error" (type $error-resource))
  (import "wasi:io/streams@0.2.0" (instance $streams
    (alias outer 1 $error-resource (type $outer-error))
    (export "error" (type $error (eq $outer-error)))
    (export "output-stream" (type $output-stream (sub resource)))
    (type $stream-error' (variant (case "last-operation-failed" (own $error)) (case "closed")))
    (export "stream-error" (type $stream-error (eq $stream-error')))
    (export "[method]output-stream.blocking-write-and-flush"
      (func (param "self" (borrow $output-stream)) (param "contents" (list u8))
        (result (result (error $stream-error)))))))
  (alias export $streams "output-stream" (type $output-stream))
  (import "wasi:cli/stdout@0.2.0" (instance $stdout
    (alias outer 1 $output-stream (type $outer-stream))
    (export "output-stream" (type $stream (eq $outer-stream)))
    (export "get-stdout" (func (result (own $stream))))))
  (import "wasi:cli/environment@0.2.0" (instance $environment
    (export "get-arguments" (func (result (list string))))))

  ;; Memory and an allocator that never frees: enough for a program that ends soon.
  (core module $Memory
    (memory (export "memory") 1)
    (global $next (mut i32) (i32.const 4096))
    (func (export "realloc") (param $old i32) (param $old-size i32) (param $align i32) (param $size i32)
      (result i32) (local $start i32)
      (local.set $start (i32.and (i32.add (global.get $next) (i32.sub (local.get $align) (i32.const 1)))
        (i32.sub (i32.const 0) (local.get $align))))
      (global.set $next (i32.add (local.get $start) (local.get $size)))
      (local.get $start)))
  (core instance $memory (instantiate $Memory))
  (core func $write (canon lower (func $streams "[method]output-stream.blocking-write-and-flush")
    (memory (core memory $memory "memory")) (realloc (core func $memory "realloc"))))
  (core func $get-stdout (canon lower (func $stdout "get-stdout")))
  (core func $drop-stream (canon resource.drop $output-stream))
  (core func $get-arguments (canon lower (func $environment "get-arguments")
    (memory (core memory $memory "memory")) (realloc (core func $memory "realloc"))))

  (core module $Main
    (import "libc" "memory" (memory 1))
    (import "host" "write" (func $write (param i32 i32 i32 i32)))
    (import "host" "get-stdout" (func $get-stdout (result i32)))
    (import "host" "drop-stream" (func $drop-stream (param i32)))
    (import "host" "get-arguments" (func $get-arguments (param i32)))
    (data (i32.const 64) "Hello from a component. My arguments:\n")
    (data (i32.const 128) "  ")
    (data (i32.const 130) "\n")
    (global $stdout (mut i32) (i32.const 0))

    (func $print (param $text i32) (param $size i32)
      (call $write (global.get $stdout) (local.get $text) (local.get $size) (i32.const 16))
      (if (i32.load8_u (i32.const 16)) (then (unreachable))))

    ;; Each argument is a pointer and a size; the first is the program's name.
    (func $print-arguments (local $at i32) (local $end i32)
      (call $get-arguments (i32.const 32))
      (local.set $at (i32.load (i32.const 32)))
      (local.set $end (i32.add (local.get $at) (i32.shl (i32.load (i32.const 36)) (i32.const 3))))
      (loop $next
        (if (i32.lt_u (local.get $at) (local.get $end))
          (then
            (call $print (i32.const 128) (i32.const 2))
            (call $print (i32.load (local.get $at)) (i32.load offset=4 (local.get $at)))
            (call $print (i32.const 130) (i32.const 1))
            (local.set $at (i32.add (local.get $at) (i32.const 8)))
            (br $next)))))

    (func (export "run") (result i32)
      (global.set $stdout (call $get-stdout))
      (call $print (i32.const 64) (i32.const 38))
      (call $print-arguments)
      (call $drop-stream (global.get $stdout))
      (i32.const 0)))
  (core instance $main (instantiate $Main
    (with "libc" (instance $memory))
    (with "host" (instance
      (export "write" (func $write))
      (export "get-stdout" (func $get-stdout))
      (export "drop-stream" (func $drop-stream))
      (export "get-arguments" (func $get-arguments))))))

  (func $run (result (result)) (canon lift (core func $main "run")))
  (component $Run
    (import "main" (func $main (result (result))))
    (export "run" (func $main)))
  (instance $run-interface (instantiate $Run (with "main" (func $run))))
  (export "wasi:cli/run@0.2.0" (instance $run-interface)))
