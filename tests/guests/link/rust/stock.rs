// The components are the examples of this package; a package has to have a library, too.
