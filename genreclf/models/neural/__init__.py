"""Neural heads: small networks as classifiers of the zoo, trained by torch on one thread and asked by onnxruntime."""
