-- creates a trigger
CREATE TEMP TRIGGER t AFTER INSERT ON w BEGIN SELECT load_extension('x'); END
