;; Stands between a shop and its tax: asks the tax, and rounds down to five cents.
(component
  (import "demo:shop/tax@1.0.0" (instance $tax
    (export "with-tax" (func (param "cents" u32) (result u32)))))
  (core func $ask (canon lower (func $tax "with-tax")))
  (core module $Main
    (import "" "ask" (func $ask (param i32) (result i32)))
    (func (export "with-tax") (param $cents i32) (result i32) (local $sum i32)
      (local.set $sum (call $ask (local.get $cents)))
      (i32.sub (local.get $sum) (i32.rem_u (local.get $sum) (i32.const 5)))))
  (core instance $main (instantiate $Main (with "" (instance (export "ask" (func $ask))))))
  (func $with-tax (param "cents" u32) (result u32) (canon lift (core func $main "with-tax")))
  (instance $rounded (export "with-tax" (func $with-tax)))
  (export "demo:shop/tax@1.0.0" (instance $rounded)))
