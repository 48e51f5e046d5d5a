;; imports an interface with a resource, and one that uses it, 0.2.0
(component
  (import "p:io/streams@0.2.0" (instance $s (export "stream" (type (sub resource)))))
  (alias export $s "stream" (type $stream))
  (import "p:cli/out@0.2.0" (instance $o (alias outer 1 $stream (type $s')) (export "stream" (type $e (eq $s'))) (export "get" (func (result (own $e))))))
)
