"""Pure numbers: features, the three systems, the ensemble, learning, and the plan of a grid."""
