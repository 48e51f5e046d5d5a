;; A component within a component calls another one, which traps. Two of the three core modules have names.
(component $app
  (component $library
    (core module $libc
      (func $abort unreachable)
      (func $go (export "go") (call $abort)))
    (core instance $i (instantiate $libc))
    (func (export "go") (canon lift (core func $i "go"))))
  (component $program
    (import "go" (func $go))
    (core func $lowered (canon lower (func $go)))
    (core module
      (import "" "go" (func (;0;)))
      (func (export "work") (call 0)))
    (core instance $m (instantiate 0 (with "" (instance (export "go" (func $lowered))))))
    (func (export "work") (canon lift (core func $m "work"))))
  (instance $library (instantiate $library))
  (instance $program (instantiate $program (with "go" (func $library "go"))))
  (export "work" (func $program "work")))
