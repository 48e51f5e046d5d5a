;; imports an interface with a record and hands one on
(component
  (import "p:q/shapes" (instance $s
    (type $p' (record (field "x" s32) (field "y" s32))) (export "point" (type $p (eq $p')))
    (export "origin" (func (result $p)))))
)
