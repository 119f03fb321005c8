"""Results as text, in small blocks. They decide nothing and read nothing but the result itself."""
