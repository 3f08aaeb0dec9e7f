"""The pages: full screens, loaded when first opened."""
