"""The proof that the classes here compute what the released code computes.

A reference folder holds small weights in the published layout (`pretrained/`), their sizes
(`config.json`) and what the released code computed from them (`expected/`, with a manifest of all
entries). Every entry is computed again and compared.
"""
