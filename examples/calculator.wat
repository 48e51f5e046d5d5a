;; Functions with typed parameters, to be called from the command line:
;;
;;   tenon --invoke 'area(rect((2.0, 3.0)))' examples/calculator.wat
;;   tenon --invoke 'divide(7, 2)' examples/calculator.wat
;;   tenon --invoke 'sum([1, 2, 3])' examples/calculator.wat
(component
  (core module $Main
    (memory (export "memory") 1)
    (data (i32.const 64) "division by zero")
    (global $next (mut i32) (i32.const 1024))
    (func (export "realloc") (param i32 i32) (param $align i32) (param $size i32) (result i32) (local $start i32)
      (local.set $start (i32.and (i32.add (global.get $next) (i32.sub (local.get $align) (i32.const 1)))
        (i32.sub (i32.const 0) (local.get $align))))
      (global.set $next (i32.add (local.get $start) (local.get $size)))
      (if (i32.gt_u (global.get $next) (i32.shl (memory.size) (i32.const 16)))
        (then (if (i32.eq (i32.const -1) (memory.grow (i32.add (i32.const 1) (i32.shr_u (local.get $size) (i32.const 16)))))
          (then (unreachable)))))
      (local.get $start))

    ;; circle(radius) and square(side) have one number, rect((width, height)) has two.
    (func $area (export "area") (param $case i32) (param $a f64) (param $b f64) (result f64)
      (if (result f64) (i32.eqz (local.get $case))
        (then (f64.mul (f64.const 3.141592653589793) (f64.mul (local.get $a) (local.get $a))))
        (else (if (result f64) (i32.eq (local.get $case) (i32.const 1))
          (then (f64.mul (local.get $a) (local.get $a)))
          (else (f64.mul (local.get $a) (local.get $b)))))))

    ;; A result: its discriminant at 16, then { quotient, remainder } or a string at 20.
    (func $divide (export "divide") (param $a i32) (param $b i32) (result i32)
      (if (i32.eqz (local.get $b))
        (then
          (i32.store8 (i32.const 16) (i32.const 1))
          (i32.store (i32.const 20) (i32.const 64))
          (i32.store (i32.const 24) (i32.const 16)))
        (else
          (i32.store8 (i32.const 16) (i32.const 0))
          (i32.store (i32.const 20) (i32.div_u (local.get $a) (local.get $b)))
          (i32.store (i32.const 24) (i32.rem_u (local.get $a) (local.get $b)))))
      (i32.const 16))

    (func $sum (export "sum") (param $at i32) (param $count i32) (result i64) (local $sum i64)
      (loop $next
        (if (local.get $count)
          (then
            (local.set $sum (i64.add (local.get $sum) (i64.load32_s (local.get $at))))
            (local.set $at (i32.add (local.get $at) (i32.const 4)))
            (local.set $count (i32.sub (local.get $count) (i32.const 1)))
            (br $next))))
      (local.get $sum))

    ;; Divides by what it was given: traps for 0.
    (func $invert (export "invert") (param $number i32) (result i32)
      (i32.div_u (i32.const 1000) (local.get $number))))
  (core instance $main (instantiate $Main))
  (alias core export $main "memory" (core memory $memory))
  (alias core export $main "realloc" (core func $realloc))

  (type $size' (tuple f64 f64))
  (type $shape' (variant (case "circle" f64) (case "square" f64) (case "rect" $size')))
  (export $shape "shape" (type $shape'))
  (type $division' (record (field "quotient" u32) (field "remainder" u32)))
  (export $division "division" (type $division'))

  (func (export "area") (param "of" $shape) (result f64) (canon lift (core func $main "area")))
  (func (export "divide") (param "a" u32) (param "b" u32) (result (result $division (error string)))
    (canon lift (core func $main "divide") (memory $memory)))
  (func (export "sum") (param "numbers" (list s32)) (result s64)
    (canon lift (core func $main "sum") (memory $memory) (realloc $realloc)))
  (func (export "invert") (param "number" u32) (result u32) (canon lift (core func $main "invert"))))
