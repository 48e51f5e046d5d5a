;; the same, 0.2.1, with more
(component
  (import "p:io/streams@0.2.1" (instance $s (export "stream" (type $r (sub resource))) (export "[method]stream.flush" (func (param "self" (borrow $r))))))
  (alias export $s "stream" (type $stream))
  (import "p:cli/out@0.2.1" (instance $o (alias outer 1 $stream (type $s')) (export "stream" (type $e (eq $s'))) (export "get" (func (result (own $e))))))
)
