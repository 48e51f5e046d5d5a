;; the same in version 0.2.3, where both have more
(component
  (import "p:q/types@0.2.3" (instance $t
    (type $r' (record (field "x" u32))) (export "r" (type (eq $r')))
    (type $s' (enum "a" "b")) (export "s" (type (eq $s')))))
  (alias export $t "r" (type $r))
  (alias export $t "s" (type $s))
  (import "p:q/get@0.2.3" (instance $g
    (alias outer 1 $r (type $r')) (export "r" (type $e (eq $r')))
    (alias outer 1 $s (type $s')) (export "s" (type $k (eq $s')))
    (export "get" (func (result $e)))
    (export "kind" (func (result $k)))))
)
