"""The C format: an int8 LiteRT file as one C file without dependencies.

`graph` reads the file, `lowering` turns its operations into `stages`, `tables` computes elementwise operations as tables
with LiteRT's reference kernels, `buffers` places the activations, `text` writes the C, `compiler` compiles and measures it.
`kernels.c` and `softmax.c` are the parts that are the same for every network. `c_files` is the format's exporter.
"""
