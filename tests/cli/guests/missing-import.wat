(component
  (import "company:product/tools@1.2.0" (instance (export "mend" (func (param "what" string))))))
