;; imports t:a/types@1.2.0 without the resource's function, and t:a/i@1.2.0, which uses its types, and hands the latter on
(component
  (import "t:a/types@1.2.0" (instance $t
    (type $p' (record (field "x" u32))) (export "p" (type (eq $p'))) (export "r" (type (sub resource)))))
  (alias export $t "p" (type $p))
  (alias export $t "r" (type $r))
  (import "t:a/i@1.2.0" (instance $i
    (alias outer 1 $p (type $p')) (export "p" (type $q (eq $p')))
    (alias outer 1 $r (type $r')) (export "r" (type $s (eq $r')))
    (export "f" (func (param "p" $q) (param "r" (borrow $s))))))
  (export "t:a/i@1.2.0" (instance $i)))
