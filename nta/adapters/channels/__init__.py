"""How notices reach their readers: one module per channel. Imports net, and no other adapter."""
