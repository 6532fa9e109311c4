"""Many trainings as one program: networks as data, their weights stacked, one jitted epoch for all of them (JAX).

`alignment` and `layout` bring different networks to common slots, `grouping` decides which ones share a program; neither
imports JAX. The rest is the program: `convolution`, `layers`, `augmentation`, `optimizers`, `program`, and `weights`, which
takes the initial ones from Keras. What a trial is and what is recorded of it is not here.
"""
