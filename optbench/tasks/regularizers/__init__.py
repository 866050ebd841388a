"""What is done against overfitting to a batch, to targets, to weights or to a loss; each a pure function.

Strengths are values, not structure: a program that has a regularizer runs it at any strength, and at strength 0 it
changes nothing. What draws takes a key. Dropout and batch normalization are layers of models, decoupled weight decay
is a modifier of optimizers, and stopping early is a choice among what training recorded.
"""
