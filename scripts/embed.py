#!/usr/bin/env python3
"""Makes a file into a C string: embed.py INPUT OUTPUT HEADER NAME"""
import sys

source, target, header, name = sys.argv[1:]
with open(source, "rb") as file:
    data = file.read()
rows = [data[i:i + 16] for i in range(0, len(data), 16)]
with open(target, "w") as file:
    file.write(f'#include "{header}"\n\nconst char {name}[] = {{\n')
    for row in rows:
        file.write("  " + "".join(f"'\\x{byte:02x}'," for byte in row) + "\n")
    file.write(f"}};\nconst size_t {name}_size = sizeof {name};\n")
