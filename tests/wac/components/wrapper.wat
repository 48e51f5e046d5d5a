;; my:res/b, whose functions give out resources of the my:res/a that it imports
(component
  (import "my:res/a@0.2.0" (instance $a (export "r" (type $r (sub resource))) (export "make" (func (param "x" u32) (result (own $r))))))
  (alias export $a "r" (type $r))
  (core func $make (canon lower (func $a "make")))
  (core module $m (import "" "make" (func $make (param i32) (result i32))) (func (export "wrap") (result i32) (call $make (i32.const 42))))
  (core instance $i (instantiate $m (with "" (instance (export "make" (func $make))))))
  (func $wrap (result (own $r)) (canon lift (core func $i "wrap")))
  (component $shim
    (import "r" (type $r (sub resource)))
    (import "wrap" (func $wrap (result (own $r))))
    (export $r2 "r" (type $r))
    (export "wrap" (func $wrap) (func (result (own $r2)))))
  (instance $s (instantiate $shim (with "r" (type $r)) (with "wrap" (func $wrap))))
  (export "my:res/b@0.2.0" (instance $s)))
