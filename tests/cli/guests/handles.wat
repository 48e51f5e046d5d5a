;; Makes handles of its own resource for ever.
(component
  (type $thing (resource (rep i32)))
  (core func $new (canon resource.new $thing))
  (core module $Main
    (import "" "new" (func $new (param i32) (result i32)))
    (func (export "run") (result i32) (loop $again (drop (call $new (i32.const 7))) (br $again)) (i32.const 0)))
  (core instance $main (instantiate $Main (with "" (instance (export "new" (func $new))))))
  (func (export "make") (result u32) (canon lift (core func $main "run"))))
