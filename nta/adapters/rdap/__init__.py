"""Registration data by RDAP (RFC 9082, RFC 9083). Imports net."""
