;; imports an interface and one that uses its record, in version 0.2.0
(component
  (import "p:q/types@0.2.0" (instance $t (type $r' (record (field "x" u32))) (export "r" (type (eq $r')))))
  (alias export $t "r" (type $r))
  (import "p:q/get@0.2.0" (instance $g (alias outer 1 $r (type $r')) (export "r" (type $e (eq $r'))) (export "get" (func (result $e)))))
)
