;; imports an interface of the same label, with an f of another type
(component
  (import "i" (instance $i (export "f" (func (param "x" u32) (result u32))))))
