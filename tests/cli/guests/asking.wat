;; A component each of whose functions asks the outside for something.
(component
  (import "wasi:clocks/wall-clock@0.2.3" (instance $wall
    (type $datetime' (record (field "seconds" u64) (field "nanoseconds" u32)))
    (export "datetime" (type $datetime (eq $datetime')))
    (export "now" (func (result $datetime)))))
  (import "wasi:clocks/monotonic-clock@0.2.3" (instance $monotonic
    (export "now" (func (result u64)))))
  (import "wasi:random/random@0.2.3" (instance $random
    (export "get-random-u64" (func (result u64)))))
  (import "wasi:random/insecure-seed@0.2.3" (instance $seed
    (export "insecure-seed" (func (result (tuple u64 u64))))))
  (import "wasi:sockets/network@0.2.3" (instance $network
    (export "network" (type (sub resource)))))
  (alias export $network "network" (type $net))
  (import "wasi:sockets/instance-network@0.2.3" (instance $instance-network
    (alias outer 1 $net (type $outer-net))
    (export "network" (type $network (eq $outer-net)))
    (export "instance-network" (func (result (own $network))))))
  (core module $Memory (memory (export "memory") 1))
  (core instance $memory (instantiate $Memory))
  (alias core export $memory "memory" (core memory $mem))
  (core func $wall (canon lower (func $wall "now") (memory $mem)))
  (core func $monotonic (canon lower (func $monotonic "now")))
  (core func $random (canon lower (func $random "get-random-u64")))
  (core func $seed (canon lower (func $seed "insecure-seed") (memory $mem)))
  (core func $network (canon lower (func $instance-network "instance-network")))
  (core module $Main
    (import "host" "wall" (func $wall (param i32)))
    (import "host" "monotonic" (func $monotonic (result i64)))
    (import "host" "random" (func $random (result i64)))
    (import "host" "seed" (func $seed (param i32)))
    (import "host" "network" (func $network (result i32)))
    (import "memory" "memory" (memory 1))
    (func (export "wall") (result i64) (call $wall (i32.const 16)) (i64.load (i32.const 16)))
    (func (export "monotonic") (result i64) (call $monotonic))
    (func (export "random") (result i64) (call $random))
    (func (export "seed") (result i64) (call $seed (i32.const 16)) (i64.load (i32.const 16)))
    (func (export "network") (result i64) (i64.extend_i32_u (call $network))))
  (core instance $main (instantiate $Main (with "memory" (instance $memory)) (with "host" (instance
    (export "wall" (func $wall)) (export "monotonic" (func $monotonic)) (export "random" (func $random))
    (export "seed" (func $seed)) (export "network" (func $network))))))
  (func (export "wall") (result u64) (canon lift (core func $main "wall")))
  (func (export "monotonic") (result u64) (canon lift (core func $main "monotonic")))
  (func (export "random") (result u64) (canon lift (core func $main "random")))
  (func (export "seed") (result u64) (canon lift (core func $main "seed")))
  (func (export "network") (result u64) (canon lift (core func $main "network"))))
