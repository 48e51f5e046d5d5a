;; the same interface, whose record has a field with another name
(component
  (import "p:q/shapes" (instance $s
    (type $p' (record (field "x" s32) (field "z" s32))) (export "point" (type $p (eq $p')))
    (export "origin" (func (result $p)))))
)
