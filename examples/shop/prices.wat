;; What an article costs, in cents.
(component
  (core module $Main
    (func (export "price") (param $article i32) (result i32)
      (i32.add (i32.const 100) (i32.mul (local.get $article) (i32.const 7)))))
  (core instance $main (instantiate $Main))
  (func $price (param "article" u32) (result u32) (canon lift (core func $main "price")))
  (instance $prices (export "price" (func $price)))
  (export "demo:shop/prices@1.0.0" (instance $prices)))
