;; Adds the tax to a price. Of another maker, perhaps, and in another language.
(component
  (core module $Main
    (func (export "with-tax") (param $cents i32) (result i32)
      (i32.div_u (i32.mul (local.get $cents) (i32.const 119)) (i32.const 100))))
  (core instance $main (instantiate $Main))
  (func $with-tax (param "cents" u32) (result u32) (canon lift (core func $main "with-tax")))
  (instance $tax (export "with-tax" (func $with-tax)))
  (export "demo:shop/tax@1.3.0" (instance $tax)))
