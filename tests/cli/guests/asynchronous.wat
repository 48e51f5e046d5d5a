;; Calls what this version does not run yet.
(component
  (type $numbers (stream u8))
  (core func $new (canon stream.new $numbers))
  (core module $Main
    (import "" "new" (func $new (result i64)))
    (func (export "run") (result i32) (i32.wrap_i64 (call $new))))
  (core instance $main (instantiate $Main (with "" (instance (export "new" (func $new))))))
  (func (export "number") (result u32) (canon lift (core func $main "run"))))
