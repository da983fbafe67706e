-- begins with empty statements
;;; DELETE FROM w
