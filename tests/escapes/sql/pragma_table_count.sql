-- counts a pragma without reading a column
SELECT count(*) FROM pragma_module_list
